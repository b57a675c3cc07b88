/** The thread that sums history up for charts, and makes them: none of it may hold the event loop. */
import { parentPort, workerData } from 'node:worker_threads';
import { errorText } from '../core/errors.ts';
import { readSegment } from '../journal/segment.ts';
import { SampleBuckets, type ScoreBucket, sumScores } from './buckets.ts';
import type { ChartAnswer, ChartRequest } from './protocol.ts';
import { seriesOf } from './series.ts';
import { levels, SummaryStore } from './summary-store.ts';

const port = parentPort;
if (port === null) throw new Error('charts-thread is started by chart-keeper.ts');
const store = new SummaryStore(workerData as string);

function perform(request: ChartRequest): unknown {
  switch (request.do) {
    case 'progress':
      return store.progress;
    case 'reset':
      return store.reset();
    case 'add': {
      const samples = new Map(levels.map((level) => [level, new SampleBuckets(level)]));
      for (const segment of request.segments) {
        for (const entry of readSegment(segment))
          if (entry.kind === 'samples') for (const buckets of samples.values()) buckets.add(entry.block);
      }
      const scores = new Map(
        levels.map((level): [typeof level, Map<number, Map<number, ScoreBucket>>] => [
          level,
          new Map(request.scores.map(([asset, rows]) => [asset, sumScores(rows, level)])),
        ]),
      );
      return store.add(samples, scores, request.progress);
    }
    case 'series':
      return seriesOf(request.query, store);
    case 'forget':
      return store.forget(request.beforeMs);
    case 'close':
      return store.close();
  }
}

port.on('message', ({ id, request }: { id: number; request: ChartRequest }) => {
  let answer: ChartAnswer;
  try {
    answer = { id, result: perform(request) };
  } catch (error) {
    answer = { id, error: errorText(error) };
  }
  port.postMessage(answer);
  if (request.do === 'close') port.close();
});
