import { Document, isMap, isNode, isSeq } from 'yaml';
import type { Proposal } from './proposal.ts';

const mostRemarks = 50;

/** The proposal as a part of fettle.yaml, with remarks. Ends with a line break; undefined where there is nothing to propose. */
export function proposalYaml({ source, comments, tags, leftOut }: Proposal): string | undefined {
  if (source === undefined) return undefined;
  const document = new Document({ sources: [source], ...(Object.keys(tags).length > 0 && { tags }) });
  const topics = document.getIn(['sources', 0, 'topics'], true);
  if (isSeq(topics))
    topics.items.forEach((item, i) => {
      const remarks = comments[i] ?? [];
      if (remarks.length > 0 && isNode(item)) item.commentBefore = remarks.map((remark) => ` ${clean(remark)}`).join('\n');
      if (isMap(item)) for (const key of ['time', 'csv', 'words', 'availability']) flow(item.get(key, true));
    });
  const settings = document.get('tags', true);
  if (isMap(settings)) for (const { value } of settings.items) flow(value);
  if (leftOut.length > 0)
    document.comment = [' Heard, and not taken:', ...leftOut.slice(-mostRemarks).map((remark) => `   ${clean(remark)}`)].join('\n');
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function flow(node: unknown): void {
  if (isMap(node)) node.flow = true;
}

/** A remark with words of devices in it stays in its line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const clean = (text: string): string => text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');
