import { expect, it } from 'vitest';
import { AckWindow } from '../../../src/sinks/mqtt/ack-window.ts';

it('lets so many through, the others in order, and none after its end', async () => {
  const window = new AckWindow(2);
  const order: number[] = [];
  const takers = [1, 2, 3, 4, 5].map((n) => window.take().then(() => order.push(n)));
  await Promise.all(takers.slice(0, 2));
  expect([order, window.waiting]).toEqual([[1, 2], 3]);
  window.give();
  await takers[2];
  window.give();
  await takers[3];
  expect(order).toEqual([1, 2, 3, 4]);
  window.close(new Error('gone'));
  await expect(takers[4]).rejects.toThrow('gone');
  await expect(window.take()).rejects.toThrow('gone');
});
