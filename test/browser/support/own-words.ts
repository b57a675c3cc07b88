import type { Page } from 'playwright-core';

/** What a page says itself, without the advice, which is as the site wrote it. */
export const ownWordsOf = (page: Page): Promise<string> =>
  page.locator('main').evaluate((main) => {
    const copy = main.cloneNode(true) as HTMLElement;
    for (const element of copy.querySelectorAll('.advice')) element.remove();
    return copy.textContent ?? '';
  });
