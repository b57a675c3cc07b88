import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { eventually } from '../../support/eventually.ts';

/** At the cursor: the time in the reader's zone, score over limit, and of every channel value, unit and what was expected. */
export async function readsOff(page: Page): Promise<void> {
  const chart = page.locator('.chart .u-over').nth(1);
  await chart.scrollIntoViewIfNeeded();
  const box = (await chart.boundingBox()) as { x: number; y: number; width: number; height: number };
  const moment = page.locator('.moment time');
  const slider = page.getByRole('slider', { name: 'Moment in the charts' });
  const valueText = async () => (await slider.getAttribute('aria-valuetext')) ?? '';
  // On a busy machine a window may be without a score here or there.
  let share = 0;
  await eventually(async () => {
    share = (share + 0.13) % 1;
    await page.mouse.move(box.x + box.width * share, box.y + box.height / 2);
    return /\d × the limit/.test(await valueText()) && !(await page.locator('.moment').innerText()).includes('newest');
  }, 'the moment is that of the cursor');
  const atMs = Date.parse((await moment.getAttribute('datetime')) ?? '');
  expect(await moment.innerText()).toBe(
    new Intl.DateTimeFormat('en-GB', { dateStyle: 'short', timeStyle: 'medium', timeZone: 'Europe/Berlin' }).format(atMs),
  );
  const said = await valueText();
  const readouts = await page.locator('.charts .readout').allInnerTexts();
  expect(readouts).toHaveLength(7);
  for (const readout of readouts.slice(2)) {
    expect(readout).toMatch(/^[\d.,]+ \S+ · expected [\d.,]+ – [\d.,]+$/);
    expect(said).toContain(readout);
  }
  // By keyboard: all of them go along.
  await slider.focus();
  await page.keyboard.press('Home');
  await eventually(async () => Date.parse((await moment.getAttribute('datetime')) ?? '') < atMs, 'the keyboard moves the moment');
  await eventually(
    () =>
      page
        .locator('.chart .u-cursor-x')
        .evaluateAll((all) => new Set(all.map((one) => Math.round(one.getBoundingClientRect().left))).size === 1 && all.length === 6),
    'every chart has its crosshair there',
  );
}

/** No canvas is empty. */
export async function everyChartIsDrawn(page: Page): Promise<void> {
  const inked = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLCanvasElement>('.charts canvas')].map(
      (canvas) =>
        canvas
          .getContext('2d')
          ?.getImageData(0, 0, canvas.width, canvas.height)
          .data.some((value) => value > 0) ?? false,
    ),
  );
  expect(inked.every(Boolean)).toBe(true);
}

export async function axisNamesPowersOfTen(page: Page): Promise<void> {
  const texts = await page.evaluateHandle(() => {
    const written = new Set<string>();
    const { fillText } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
      written.add(text);
      fillText.call(this, text, ...place);
    };
    return written;
  });
  await eventually(
    () => texts.evaluate((written) => ['0.1', '1', '10'].every((tick) => written.has(tick))),
    'the axis of the score names every power of ten',
  );
}

export async function shareOneTimeAxis(page: Page): Promise<void> {
  // All plots, and the strip between them, have one time axis.
  for (const width of [1280, 1000]) {
    await page.setViewportSize({ width, height: 900 });
    await eventually(async () => {
      const [strip, ...plots] = await Promise.all(
        ['.heat canvas', '.chart .u-over'].map((selector) =>
          page
            .locator(selector)
            .evaluateAll((all) => all.map((one) => one.getBoundingClientRect()).map(({ left, right }) => [left, right])),
        ),
      ).then(([canvas, overs]) => [...(canvas ?? []), ...(overs ?? [])]);
      return (
        plots.length === 6 && plots.every((plot) => plot.every((edge, side) => Math.abs(edge - ((strip as number[])[side] as number)) <= 1))
      );
    }, `strip and plots stand below each other at ${width} px`);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
}
