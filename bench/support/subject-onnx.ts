/** Node with ONNX Runtime and one model loaded, doing nothing: what the gateway's memory stands beside. settings: { model }. */
import { loadBundle } from '../../src/bundles/index.ts';
import { createScorer } from '../../src/scoring/index.ts';
import { serve, settings } from './subject.ts';

const { model } = settings<{ model: string }>();
const scorer = await createScorer(await loadBundle(model));
serve(
  () => ({ messages: 0, windows: 0, late: 0 }),
  () => scorer.dispose(),
);
