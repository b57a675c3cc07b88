import type { AlarmTransition } from '../core/alarm.ts';
import type { Score } from '../core/score.ts';
import type { InvalidWindow } from '../core/window.ts';
import type { GatewayListener } from '../gateway/gateway-events.ts';
import type { GatewayStatus } from '../gateway/status.ts';
import type { Fault } from '../simulator/fault.ts';

export interface DemoAlarm {
  readonly asset: string;
  readonly rule: string;
  readonly raisedMs: number;
  clearedMs: number | null;
  readonly message: string;
  readonly topChannels: readonly string[];
}

/** What the demo says at its end; times are seconds since its start. */
export interface DemoSummary {
  readonly ok: boolean;
  readonly seed: number;
  readonly seconds: number;
  readonly samples: number;
  readonly windows: number;
  readonly scores: number;
  readonly invalidWindows: Readonly<Record<string, number>>;
  readonly healthySeconds: number;
  readonly faults: readonly {
    asset: string;
    kind: string;
    onset: number;
    found: boolean;
    delay: number | null;
    cleared: boolean;
    topChannels: readonly string[];
  }[];
  readonly alarms: readonly {
    asset: string;
    rule: string;
    raised: number;
    cleared: number | null;
    topChannels: readonly string[];
    message: string;
    fault: string | null;
  }[];
  readonly raised: number;
  readonly cleared: number;
  readonly falseAlarmsBeforeFirstFault: number;
  readonly falseAlarms: number;
  readonly highestHealthyRatio: number;
  readonly synced: number;
  readonly waiting: number;
  readonly dropped: number;
}

/** An alarm this long after a fault's end still belongs to it: heat takes its time. */
const aftermathS = 15;

/** Listens to the gateway and holds what it says against what the simulator did. */
export class DemoRecord implements GatewayListener {
  readonly alarms: DemoAlarm[] = [];
  /** Newest score over limit, by asset, and the last ones for the sparkline. */
  readonly ratios = new Map<string, number[]>();
  readonly messages: string[] = [];
  startedMs = 0;
  firstScoreMs: number | undefined;
  highestHealthyRatio = 0;
  firstOnsetMs = Number.POSITIVE_INFINITY;

  score({ asset, value, limit, windowEndMs }: Score): void {
    const list = this.ratios.get(asset) ?? [];
    list.push(value / limit);
    if (list.length > 40) list.shift();
    this.ratios.set(asset, list);
    this.firstScoreMs ??= windowEndMs;
    if (windowEndMs < this.firstOnsetMs) this.highestHealthyRatio = Math.max(this.highestHealthyRatio, value / limit);
  }

  invalid(_window: InvalidWindow): void {}

  transition({ asset, rule, from, to, atMs, message, findings }: AlarmTransition): void {
    if (from === to) return;
    if (to === 'unacknowledged') {
      const topChannels = findings.slice(0, 3).map(({ tag }) => tag);
      this.alarms.push({ asset, rule, raisedMs: atMs, clearedMs: null, message, topChannels });
    } else if (from === 'unacknowledged') {
      const open = this.alarms.findLast((alarm) => alarm.asset === asset && alarm.rule === rule && alarm.clearedMs === null);
      if (open !== undefined) open.clearedMs = atMs;
    }
    this.messages.push(
      `${((atMs - this.startedMs) / 1000).toFixed(1).padStart(6)} s  ${to === 'unacknowledged' ? 'RAISED ' : 'cleared'}  ${asset}  ${message}`,
    );
  }

  summary(seed: number, endMs: number, faults: readonly Fault[], status: GatewayStatus, synced: number): DemoSummary {
    const seconds = (ms: number): number => Number(((ms - this.startedMs) / 1000).toFixed(2));
    const faultOf = (alarm: DemoAlarm): Fault | undefined => {
      const atS = (alarm.raisedMs - this.startedMs) / 1000;
      return faults.find(
        ({ asset, onsetS, durationS }) => asset === alarm.asset && atS >= onsetS && atS <= onsetS + durationS + aftermathS,
      );
    };
    const shown = faults
      .filter(({ onsetS }) => this.startedMs + onsetS * 1000 < endMs)
      .map((fault) => {
        const own = this.alarms.filter(
          (alarm) =>
            alarm.rule !== 'notWatched' &&
            faultOf(alarm) === fault &&
            alarm.raisedMs <= this.startedMs + (fault.onsetS + fault.durationS) * 1000 + 3000,
        );
        const first = own[0];
        return {
          asset: fault.asset,
          kind: fault.kind,
          onset: Number(fault.onsetS.toFixed(2)),
          found: first !== undefined,
          delay: first === undefined ? null : Number((seconds(first.raisedMs) - fault.onsetS).toFixed(2)),
          cleared: own.length > 0 && own.every(({ clearedMs }) => clearedMs !== null),
          topChannels: first?.topChannels ?? [],
        };
      });
    const before = this.alarms.filter(({ raisedMs }) => raisedMs < this.firstOnsetMs).length;
    const { counters } = status;
    const lanes = Object.values(status.sinks).flatMap(({ delivery }) => Object.values(delivery.lanes));
    const rejected = Object.values(status.sinks).reduce((sum, { delivery }) => sum + delivery.counters.rejected, 0);
    return {
      ok: shown.length > 0 && shown.every(({ found }) => found) && before === 0,
      seed,
      seconds: seconds(endMs),
      samples: counters.samples,
      windows: counters.windows,
      scores: counters.scores,
      invalidWindows: Object.fromEntries(Object.entries(counters.invalidWindows).filter(([, count]) => count > 0)),
      healthySeconds:
        this.firstScoreMs === undefined ? 0 : Number(((Math.min(this.firstOnsetMs, endMs) - this.firstScoreMs) / 1000).toFixed(1)),
      faults: shown,
      alarms: this.alarms.map((alarm) => ({
        asset: alarm.asset,
        rule: alarm.rule,
        raised: seconds(alarm.raisedMs),
        cleared: alarm.clearedMs === null ? null : seconds(alarm.clearedMs),
        topChannels: alarm.topChannels,
        message: alarm.message,
        fault: faultOf(alarm)?.kind ?? null,
      })),
      raised: counters.raised,
      cleared: counters.cleared,
      falseAlarmsBeforeFirstFault: before,
      falseAlarms: this.alarms.filter((alarm) => faultOf(alarm) === undefined).length,
      highestHealthyRatio: Number(this.highestHealthyRatio.toFixed(3)),
      synced,
      waiting: lanes.reduce((sum, { points }) => sum + points, 0),
      dropped: rejected + status.journal.unkeptSamples + status.journal.droppedRows,
    };
  }
}
