import type { Browser, Page } from 'playwright-core';
import { eventually } from '../../support/eventually.ts';

/** What is used of the editor's own scripting. */
interface EditorApi {
  readonly RED: {
    readonly editor: { edit(node: object): void };
    readonly nodes: {
      node(id: string): Record<string, unknown>;
      getType(type: string): { readonly button: { onclick(): void } };
      getNodeHelp(type: string): string;
    };
    readonly workspaces: { show(id: string): void };
  };
}

export interface EditorOptions {
  readonly locale?: string;
  readonly theme?: 'light' | 'dark';
}

/** Node-RED's editor in a browser, as a person uses it. */
export class NodeRedEditorPage {
  readonly page: Page;
  /** What the page threw. */
  readonly problems: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on('pageerror', (error) => this.problems.push(error.stack ?? error.message));
  }

  static async open(browser: Browser, url: string, { locale = 'en-US', theme = 'light' }: EditorOptions = {}): Promise<NodeRedEditorPage> {
    const context = await browser.newContext({ viewport: { width: 1400, height: 860 }, locale, colorScheme: theme });
    // As chosen under View: kept by the browser.
    await context.addInitScript((dark) => {
      if (dark) localStorage.setItem('view-dark-theme', JSON.stringify('dark'));
    }, theme === 'dark');
    const editor = new NodeRedEditorPage(await context.newPage());
    await editor.page.goto(url);
    await editor.page.waitForSelector('.red-ui-palette-node[data-palette-type="fettle-watch"]', { state: 'attached' });
    return editor;
  }

  /** Menu → Import → Examples → @fettle/node-red → `name`; then its tab is shown. */
  async importExample(name: string, tab: string): Promise<void> {
    const { page } = this;
    const dialog = page.locator('#red-ui-clipboard-dialog-import-tabs');
    // On a busy machine the editor shows its palette before it listens to keys.
    await eventually(async () => {
      if (await dialog.isVisible()) return true;
      await page.keyboard.press('Control+i');
      await page.waitForTimeout(1_000);
      return dialog.isVisible();
    }, 'the import dialog opens');
    await page.click('#red-ui-clipboard-dialog-import-tabs >> text=Examples');
    const entry = (text: string) => page.locator(`.red-ui-clipboard-dialog-tab-library .red-ui-treeList-label:has-text("${text}")`).last();
    await eventually(async () => {
      if (await entry(name).isVisible()) return true;
      for (const folder of ['@fettle/node-red', 'node-red']) if (await entry(folder).isVisible()) await entry(folder).click();
      await page.waitForTimeout(300);
      return entry(name).isVisible();
    }, 'the example is in the list');
    await entry(name).click();
    await page.click('#red-ui-clipboard-dialog-ok');
    await page.waitForSelector(`[id="red-ui-tab-${tab}"]`, { state: 'attached' });
    await page.evaluate((id) => (globalThis as unknown as EditorApi).RED.workspaces.show(id), tab);
    await page.waitForSelector('.red-ui-flow-node');
  }

  /** A property of a node, where no dialog is the point. */
  async set(id: string, values: Record<string, unknown>): Promise<void> {
    await this.page.evaluate(
      ([node, given]) => Object.assign((globalThis as unknown as EditorApi).RED.nodes.node(node), given, { changed: true, dirty: true }),
      [id, values] as const,
    );
  }

  async openDialog(id: string): Promise<void> {
    await this.page.evaluate((node) => {
      const { RED } = globalThis as unknown as EditorApi;
      RED.editor.edit(RED.nodes.node(node));
    }, id);
    await this.page.waitForSelector('#node-dialog-ok', { state: 'visible' });
    // The dialog slides in.
    await this.page.waitForTimeout(500);
  }

  /** The configuration node behind the pencil beside a field of the open dialog; closed by `done`. */
  async openConfiguration(field: string): Promise<void> {
    await this.page.click(`#node-input-btn-${field}-edit`);
    await this.page.waitForSelector('#node-config-dialog-ok', { state: 'visible' });
    await this.page.waitForTimeout(500);
  }

  async fill(selector: string, text: string): Promise<void> {
    await this.page.fill(selector, text);
    await this.page.locator(selector).blur();
  }

  async done(): Promise<void> {
    for (const button of ['#node-config-dialog-ok', '#node-dialog-ok']) {
      if (!(await this.page.locator(button).isVisible())) continue;
      await this.page.click(button);
      await this.page.waitForSelector(button, { state: 'detached' });
      return;
    }
  }

  async cancel(): Promise<void> {
    await this.page.click('#node-dialog-cancel');
    await this.page.waitForSelector('#node-dialog-cancel', { state: 'detached' });
  }

  async deploy(): Promise<void> {
    await this.page.click('#red-ui-header-button-deploy');
  }

  /** The button of a node, as of inject. */
  async press(id: string): Promise<void> {
    await this.page.evaluate((node) => {
      const { RED } = globalThis as unknown as EditorApi;
      const pressed = RED.nodes.node(node);
      RED.nodes.getType(String(pressed.type)).button.onclick.call(pressed);
    }, id);
  }

  /** The text below a node of the flow. */
  statusOf(id: string): Promise<string> {
    return this.page.evaluate((node) => document.querySelector(`[id="${node}"] .red-ui-flow-node-status-label`)?.textContent ?? '', id);
  }

  help(type: string): Promise<string> {
    return this.page.evaluate((name) => (globalThis as unknown as EditorApi).RED.nodes.getNodeHelp(name), type);
  }

  /** Toasts would lie over what a picture shows. */
  async clearNotifications(): Promise<void> {
    await this.page.evaluate(() => {
      for (const one of document.querySelectorAll<HTMLElement>('.red-ui-notification')) one.style.display = 'none';
    });
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}
