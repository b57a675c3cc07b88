import { type AlarmState, alarmStates } from '../../src/core/alarm.ts';
import type { Override, Thresholds, ValueMapping } from './schema.ts';

/**
 * Colours after NAMUR NE 107: red wants somebody now, orange somebody has it, yellow is over and nobody has seen it, blue is kept
 * back on purpose, green is well.
 */
const looks: Readonly<Record<AlarmState, readonly [colour: string, text: string]>> = {
  normal: ['green', 'normal'],
  unacknowledged: ['red', 'unacknowledged'],
  acknowledged: ['orange', 'acknowledged'],
  returnedUnacknowledged: ['yellow', 'over, not acknowledged'],
  latchedUnacknowledged: ['dark-yellow', 'latched, not acknowledged'],
  latchedAcknowledged: ['light-yellow', 'latched'],
  shelved: ['blue', 'shelved'],
  suppressedByDesign: ['light-blue', 'suppressed: not running'],
  outOfService: ['purple', 'out of service'],
};

const looksOf = (key: (state: AlarmState, code: number) => string): ValueMapping => ({
  type: 'value',
  options: Object.fromEntries(
    alarmStates.map((state, index) => [key(state, index), { color: looks[state][0], text: looks[state][1], index }]),
  ),
});

/** Of a state's word. */
export const stateWords: readonly ValueMapping[] = [looksOf((state) => state)];
/** Of a state's number. */
export const stateCodes: readonly ValueMapping[] = [looksOf((_, code) => String(code))];

export const yesNo = (yes: string, no: string): readonly ValueMapping[] => [
  { type: 'value', options: { 0: { color: 'red', text: no, index: 0 }, 1: { color: 'green', text: yes, index: 1 } } },
];

export const steps = (base: string, ...above: readonly (readonly [value: number, colour: string])[]): Thresholds => ({
  mode: 'absolute',
  steps: [{ color: base, value: null }, ...above.map(([value, color]) => ({ color, value }))],
});

/** Score over limit: 1 is the limit. */
export const ratioSteps = steps('green', [0.8, 'yellow'], [1, 'red']);
/** Nothing is well, anything is not. */
export const noneIsWell = steps('green', [1, 'red']);

/** Columns `from` and `to` of a table of changes, in words and colours. */
export const changeWords: Override = {
  matcher: { id: 'byRegexp', options: '^(from|to)$' },
  properties: [
    { id: 'mappings', value: stateWords },
    { id: 'custom.cellOptions', value: { type: 'color-text' } },
  ],
};
