import type { JSHandle, Page } from 'playwright-core';

/** When the tile of each asset first said that it is out of specification, ms since the epoch; it goes on looking. */
export function firstAlarmsOn(page: Page): Promise<JSHandle<Record<string, number>>> {
  return page.evaluateHandle(() => {
    const times: Record<string, number> = {};
    const look = () => {
      for (const element of document.querySelectorAll<HTMLElement>('.tile.outOfSpecification'))
        times[element.dataset.asset ?? ''] ??= Date.now();
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
    look();
    return times;
  });
}
