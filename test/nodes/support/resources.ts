import { eventually } from '../../support/eventually.ts';

/** Sockets, servers, timers, threads and the like that keep this process busy, by kind. */
function counted(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) if (kind !== 'Immediate') counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** Deploys and removes something five times: after the last time there is no more of anything than after the first. */
export async function leavesNothing(deployAndRemove: () => Promise<void>): Promise<void> {
  await deployAndRemove();
  const once = counted();
  for (let i = 0; i < 4; i++) await deployAndRemove();
  let now = counted();
  // What ends takes a moment to be gone; timers of others (HTTP keep-alive, Node-RED's own) come and go, ours would be one more each time.
  const isMore = (kind: string): boolean => (now[kind] ?? 0) > (once[kind] ?? 0) + (kind === 'Timeout' ? 2 : 0);
  const deadline = performance.now() + 10_000;
  await eventually(
    () => {
      now = counted();
      return !Object.keys(now).some(isMore) || performance.now() > deadline;
    },
    'counted',
    15_000,
  );
  const more = Object.keys(now).filter(isMore);
  if (more.length > 0)
    throw new Error(`left behind: ${more.map((kind) => `${now[kind]} ${kind} instead of ${once[kind] ?? 0}`).join(', ')}`);
}
