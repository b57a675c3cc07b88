/** The URL of a module beside the caller, as `.ts` when run from source and `.js` when run compiled: for worker threads. */
export const siblingModule = (callerUrl: string, name: string): URL =>
  new URL(`./${name}${callerUrl.endsWith('.ts') ? '.ts' : '.js'}`, callerUrl);
