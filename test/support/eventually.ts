/** Waits until `condition` holds; rejects with `what` it waited for. */
export async function eventually(condition: () => boolean | Promise<boolean>, what = String(condition), withinMs = 20_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
