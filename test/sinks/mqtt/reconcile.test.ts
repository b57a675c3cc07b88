import { describe, expect, it } from 'vitest';
import { parseRetained, reconcileStates } from '../../../src/sinks/mqtt/reconcile.ts';
import { assetState } from '../fixtures.ts';

describe('reconciliation', () => {
  const recovered = [assetState({ asset: 'a', sequence: 5 }), assetState({ asset: 'b', sequence: 5, state: 'normal', alarms: [] })];

  it.each([
    ['is the same', { asset: 'a', sequence: 5, standing: ['t-1'] }, undefined],
    ['is behind', { asset: 'a', sequence: 4, standing: ['t-0'] }, undefined],
    ['is ahead', { asset: 'a', sequence: 7, standing: ['t-1', 't-7'] }, { asset: 'a', sequence: 7, standing: ['t-7'] }],
    ['is ahead and normal', { asset: 'a', sequence: 6, standing: [] }, { asset: 'a', sequence: 6, standing: [] }],
    ['went another way', { asset: 'b', sequence: 5, standing: ['t-5'] }, { asset: 'b', sequence: 5, standing: ['t-5'] }],
  ])('a document that %s', (_, document, ahead) => {
    expect(reconcileStates([document], recovered)).toEqual({ ahead: ahead ? [ahead] : [], gone: [] });
  });

  it('clears assets that left the configuration, readable or not', () => {
    expect(reconcileStates([{ asset: 'x', sequence: 1, standing: [] }, { asset: 'y' }, { asset: 'a' }], recovered)).toEqual({
      ahead: [],
      gone: ['x', 'y'],
    });
  });

  it('reads what it needs of a document, and nothing of another', () => {
    expect(parseRetained('a', Buffer.from('{"sequence":3,"alarms":[{"transition":"t","more":1}],"extra":true}'))).toEqual({
      asset: 'a',
      sequence: 3,
      standing: ['t'],
    });
    for (const text of ['', '{', '[]', 'null', '{"sequence":"3","alarms":[]}'])
      expect(parseRetained('a', Buffer.from(text))).toBeUndefined();
  });
});
