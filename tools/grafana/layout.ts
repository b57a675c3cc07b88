import type { Family } from './family.ts';
import { type PanelDraft, panelOf } from './panels.ts';
import type { Panel, Row } from './schema.ts';

const columns = 24;

/** Panels under one heading, in reading order. */
export interface Section {
  readonly title: string;
  readonly panels: readonly PanelDraft[];
}

/**
 * Places panels from left to right and top to bottom; one that does not fit into the rest of a line begins the next. A line is as
 * high as its highest panel. A section that has nothing in this family is left out. Throws RangeError for a panel wider than the page.
 */
export function placed(sections: readonly Section[], family: Family): (Panel | Row)[] {
  const all: (Panel | Row)[] = [];
  let id = 1;
  let y = 0;
  for (const { title, panels } of sections) {
    const own: Panel[] = [];
    const head = { id: id++, y: y++ };
    let x = 0;
    let lineHeight = 0;
    for (const draft of panels) {
      const [width, height] = draft.size;
      if (width > columns) throw new RangeError(`${draft.title} is wider than ${columns} columns`);
      if (x + width > columns) {
        y += lineHeight;
        x = 0;
        lineHeight = 0;
      }
      const panel = panelOf(draft, family, id, { x, y });
      if (panel === undefined) continue;
      own.push(panel);
      id++;
      x += width;
      lineHeight = Math.max(lineHeight, height);
    }
    y += lineHeight;
    if (own.length === 0) {
      id = head.id;
      y = head.y;
      continue;
    }
    all.push({ type: 'row', id: head.id, title, collapsed: false, gridPos: { x: 0, y: head.y, w: columns, h: 1 }, panels: [] }, ...own);
  }
  return all;
}
