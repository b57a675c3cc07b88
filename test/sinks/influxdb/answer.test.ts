import { describe, expect, it } from 'vitest';
import { droppedCount, retryAfter, verdictOf } from '../../../src/sinks/influxdb/answer.ts';

const verdict = (status: number, text = '', headers: Record<string, string> = {}) => {
  const answer = verdictOf(status, new Headers(headers), text, 'http://influxdb:8086');
  return answer.kind === 'failed'
    ? `${answer.error.code}${answer.error.retryAfterMs === undefined ? '' : ` ${answer.error.retryAfterMs}`}`
    : answer.kind;
};

describe("InfluxDB's answers", () => {
  it.each([
    [204, '', 'accepted'],
    [200, '', 'accepted'],
    // A captive portal, a proxy's login page.
    [200, '<html>Welcome</html>', 'FETTLE_INFLUXDB_DENIED'],
    [302, '', 'FETTLE_INFLUXDB_DENIED'],
    [400, '{"error":"partial write: field type conflict dropped=1"}', 'partial'],
    [422, '{"message":"failure writing points: partial write: x dropped=2"}', 'partial'],
    [400, `{"error":"unable to parse 'm': missing fields"}`, 'unreadable'],
    [401, '{"error":"authorization failed"}', 'FETTLE_INFLUXDB_DENIED'],
    [403, '', 'FETTLE_INFLUXDB_DENIED'],
    [404, '{"error":"database not found: \\"x\\""}', 'unknownDatabase'],
    [404, '404 page not found', 'FETTLE_INFLUXDB_DENIED'],
    [413, '{"error":"Request Entity Too Large"}', 'tooLarge'],
    [408, '', 'FETTLE_INFLUXDB_FAILED'],
    [500, '{"error":"engine: hinted handoff"}', 'FETTLE_INFLUXDB_FAILED'],
    [502, '', 'FETTLE_INFLUXDB_FAILED'],
    [503, '', 'FETTLE_INFLUXDB_BUSY'],
  ])('%d %j is %s', (status, text, meaning) => expect(verdict(status, text)).toBe(meaning));

  it('respects Retry-After in seconds and as a date, up to ten minutes', () => {
    expect(verdict(429, '', { 'retry-after': '7' })).toBe('FETTLE_INFLUXDB_BUSY 7000');
    expect(retryAfter('Mon, 23 Nov 2026 06:12:30 GMT', Date.UTC(2026, 10, 23, 6, 12, 0))).toBe(30_000);
    expect(retryAfter('86400')).toBe(600_000);
    expect(retryAfter('Mon, 23 Nov 2020 06:12:30 GMT')).toBe(0);
    expect(retryAfter('soon')).toBeUndefined();
    expect(retryAfter(null)).toBeUndefined();
  });

  it('counts the points a partial write lost', () => {
    expect(droppedCount('partial write: field type conflict: … dropped=12')).toBe(12);
    expect(droppedCount("partial write: unable to parse 'a': x\nunable to parse 'b': y dropped=0")).toBe(2);
    expect(droppedCount('partial write of line protocol occurred')).toBe(1);
  });

  it('reads the lines InfluxDB 3 names', () => {
    const text = JSON.stringify({
      error: 'partial write of line protocol occurred',
      data: [{ original_line: 'm v=', line_number: 2, error_message: 'no value' }],
    });
    expect(verdictOf(400, new Headers(), text, '')).toMatchObject({ kind: 'partial', refused: [{ line: 1, reason: 'no value' }] });
  });
});
