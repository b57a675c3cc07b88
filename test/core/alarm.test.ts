import { expect, it } from 'vitest';
import { alarmStates, waitsForSomebody } from '../../src/core/alarm.ts';

it('waits for somebody until it is acknowledged, also when its condition is over', () => {
  expect(alarmStates.filter(waitsForSomebody)).toEqual(['unacknowledged', 'returnedUnacknowledged', 'latchedUnacknowledged']);
});
