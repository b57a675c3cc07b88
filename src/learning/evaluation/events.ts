import { quantile, runsOf, type VerdictSeries } from './verdict-series.ts';

/** One labelled event (a longest run of anomalous rows) and when it was found. */
export interface FoundEvent {
  readonly rows: number;
  /** From the event's first row to the first of its rows with an alarm; undefined where none has one. */
  readonly delayMs: number | undefined;
  /** The alarm stood already when the event began: delay 0, and perhaps luck. */
  readonly standing: boolean;
}

/**
 * An event is found when an alarm stands at any of its rows; alarms before it or after it do not count, so nothing is taken from the future. An alarm
 * that began earlier and still stands at the first row finds it with delay 0, as the operator had it on the screen; how often that was is told apart,
 * and the false-alarm rates beside it show what such luck costs.
 */
export function eventsOf({ timeMs, alarm, label }: VerdictSeries): FoundEvent[] {
  return runsOf(label).map(({ first, last }) => {
    const alarmed = alarm.subarray(first, last + 1).indexOf(1);
    return {
      rows: last - first + 1,
      delayMs: alarmed < 0 ? undefined : (timeMs[first + alarmed] as number) - (timeMs[first] as number),
      standing: alarmed === 0 && first > 0 && alarm[first - 1] === 1,
    };
  });
}

export interface EventSummary {
  readonly events: number;
  readonly missed: number;
  readonly standing: number;
  /** Found share; NaN without an event. */
  readonly recall: number;
  /** Over the found events; NaN where none is. Missed events have no delay: read these beside `missed`. */
  readonly delayMedianS: number;
  readonly delayP90S: number;
}

export function summaryOf(events: readonly FoundEvent[]): EventSummary {
  const delays = events.flatMap(({ delayMs }) => (delayMs === undefined ? [] : [delayMs / 1000]));
  return {
    events: events.length,
    missed: events.length - delays.length,
    standing: events.filter(({ standing }) => standing).length,
    recall: delays.length / events.length,
    delayMedianS: quantile(delays, 0.5),
    delayP90S: quantile(delays, 0.9),
  };
}
