import { expect, it } from 'vitest';
import { openDashboard } from '../support/dashboard.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

it('who guesses is told to wait, and for how long; the right password does not help before', async (test) => {
  const dashboard = await openDashboard({ site: 'north', data: temporaryDirectory() });
  if (dashboard === undefined) return test.skip('chromium is not installed');
  const { page, server, errors } = dashboard;
  await page.context().clearCookies();
  await page.goto(server.url);
  const logIn = async (password: string): Promise<string> => {
    await page.getByLabel('Name').fill('ada');
    await page.getByLabel('Password').fill(password);
    const answered = page.waitForResponse(
      (response) => response.url().endsWith('/api/v1/session') && response.request().method() === 'POST',
    );
    await page.getByRole('button', { name: 'Log in' }).click();
    await answered;
    return page.getByRole('alert').innerText();
  };
  for (let i = 0; i < 5; i++) expect(await logIn(`guess number ${i}`)).toContain('name or password is wrong');
  expect(await logIn('a password of hers')).toMatch(/\b(30|29|28) s/);
  expect(await page.getByRole('button', { name: 'Log in' }).isEnabled()).toBe(true);
  expect(errors).toEqual([]);
}, 30_000);
