import { expect, it, type TestContext } from 'vitest';
import { cutOffSite } from '../support/cut-off-site.ts';
import { look, openDashboard, overflowOf, seriousFindings } from '../support/dashboard.ts';
import { eventually } from '../support/eventually.ts';

/** A gateway that sends samples to a store nobody reaches, some of them a second. */
async function cutOff(test: TestContext) {
  const { configuration, clock, ahead } = cutOffSite();
  const dashboard = await openDashboard(configuration, { clock });
  if (dashboard === undefined) return test.skip('chromium is not installed');
  let sent = 0;
  const push = () => {
    const samples = Array.from({ length: 50 }, (_, i) => ({ tag: 'press/flow', value: sent + i, time: clock.wallMs() - 100 + i }));
    sent += samples.length;
    return dashboard.gateway.push('program', samples, false);
  };
  await push();
  return {
    ...dashboard,
    push,
    later: (ms: number) => {
      ahead.ms += ms;
    },
  };
}

it('the page of delivery says, while the link is down, what grows and how long it can, and reckons with other numbers', async (test) => {
  const { page, gateway, open, setLanguage, push, later, errors } = await cutOff(test);
  await eventually(() => gateway.status().sinks.cloud?.delivery.lastError !== undefined, 'the link is down');
  await open('');
  await page.getByText('How long without link: known after a minute').waitFor();
  await open('delivery');
  await page.getByText('How long that can go on is known after a minute.').waitFor();
  await page.getByText('known after a minute', { exact: true }).first().waitFor();
  const sink = page.getByRole('region', { name: 'cloud' });
  expect(await sink.getByRole('row').count()).toBe(3);
  expect(await sink.innerText()).not.toContain('results');

  later(61_000);
  await push();
  await page.reload();
  await eventually(async () => {
    await push();
    return /\d+ points wait, and \d[\d.,]* more come in every second\. That can go on for \d+ (d|h|min)[^.]* before anything unsent is dropped \(journal\.maxBytes ends it\)\./.test(
      await sink.innerText(),
    );
  }, 'what grows is said');
  expect(await sink.innerText()).not.toMatch(/a second leave|everything has left/);
  const card = page.getByRole('region', { name: 'How long the link may stay away' });
  await card.getByText('Early estimate').waitFor();
  const answer = () => card.getByRole('status').innerText();
  const before = await answer();
  expect(before).toMatch(/^The link may stay away for .* \(journal\.maxBytes ends it\)\.$/);
  await card.getByLabel('Free on the disk, GB').fill('0.000001');
  await eventually(async () => (await answer()).endsWith('(the disk ends it).'), 'a small disk');
  await card.getByRole('button', { name: 'As it is' }).click();
  await eventually(async () => (await answer()) === before || (await answer()).includes('maxBytes'), 'as it was');
  await card.getByLabel('Samples a second').fill('100000000');
  await eventually(async () => /for (\d+ (s|min)|0)/.test(await answer()), 'a high rate');
  expect(await seriousFindings(page)).toEqual([]);
  await look(page, 'delivery-en');

  await setLanguage('de');
  await sink.getByText(/Punkte warten, und jede Sekunde kommen .* dazu\. Das geht noch .* gut, bevor Ungesendetes verfällt/).waitFor();
  await page.getByText('Erste Schätzung').waitFor();
  await look(page, 'delivery-de');
  await page.setViewportSize({ width: 390, height: 844 });
  expect(await overflowOf(page)).toBeLessThanOrEqual(0);
  await page.setViewportSize({ width: 1280, height: 900 });
  await open('');
  await page.getByText(/ohne Verbindung möglich \(erste Schätzung\)/).waitFor();
  expect(errors).toEqual([]);
}, 60_000);
