import { dataSource, type Family } from './family.ts';
import { type Queries, targetsOf } from './query.ts';
import type { CustomConfig, FieldConfig, Override, Panel, PanelOptions, PanelType, Transformation } from './schema.ts';

/** A panel before it has a place, for both families. */
export interface PanelSpec {
  readonly title: string;
  /** For a plant engineer: what is seen, and what to do. */
  readonly description: string;
  /** Of the 24 columns, and in rows of 30 pixels. */
  readonly size: readonly [width: number, height: number];
  readonly queries: Queries;
  readonly field?: FieldConfig;
  readonly overrides?: readonly Override[];
  readonly transformations?: Readonly<Partial<Record<Family, readonly Transformation[]>>>;
  /** Shortest distance of points that makes sense. */
  readonly interval?: string;
  /** One panel for each value of the variable. */
  readonly repeat?: string;
}

/** What a builder below makes of a specification. */
export interface PanelDraft extends PanelSpec {
  readonly type: PanelType;
  readonly options: object;
  readonly custom?: object;
}

/** Gaps shorter than this are drawn through; in longer ones nothing came, and nothing is drawn. */
const gapMs = 300_000;

const legend = { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] } as const;

export function timeSeries(
  spec: PanelSpec & { readonly style?: Partial<CustomConfig<'timeseries'>>; readonly legendCalcs?: readonly string[] },
): PanelDraft {
  const { style, legendCalcs, ...rest } = spec;
  const options: PanelOptions<'timeseries'> = {
    legend: legendCalcs === undefined ? legend : { ...legend, displayMode: 'table', calcs: legendCalcs },
    tooltip: { mode: 'multi', sort: 'desc' },
  };
  const custom: CustomConfig<'timeseries'> = {
    drawStyle: 'line',
    lineWidth: 1,
    fillOpacity: 0,
    showPoints: 'auto',
    spanNulls: gapMs,
    insertNulls: gapMs,
    ...style,
  };
  return { ...rest, type: 'timeseries', options, custom };
}

export function stat(spec: PanelSpec & { readonly graph?: boolean; readonly fields?: string }): PanelDraft {
  const { graph = false, fields = '', ...rest } = spec;
  const options: PanelOptions<'stat'> = {
    colorMode: 'value',
    graphMode: graph ? 'area' : 'none',
    justifyMode: 'auto',
    orientation: 'auto',
    percentChangeColorMode: 'standard',
    reduceOptions: { calcs: ['lastNotNull'], fields, values: false },
    showPercentChange: false,
    textMode: 'auto',
    wideLayout: true,
  };
  return { ...rest, type: 'stat', options };
}

export function table(spec: PanelSpec & { readonly sortBy?: { readonly displayName: string; readonly desc: boolean } }): PanelDraft {
  const { sortBy, ...rest } = spec;
  const options: PanelOptions<'table'> = {
    cellHeight: 'sm',
    frameIndex: 0,
    showHeader: true,
    ...(sortBy !== undefined && { sortBy: [sortBy] }),
  };
  const custom: CustomConfig<'table'> = { align: 'auto', cellOptions: { type: 'auto' }, inspect: false, filterable: true };
  return { ...rest, type: 'table', options, custom };
}

export function stateTimeline(spec: PanelSpec): PanelDraft {
  const options: PanelOptions<'state-timeline'> = {
    alignValue: 'left',
    legend,
    mergeValues: true,
    perPage: 30,
    rowHeight: 0.8,
    showValue: 'auto',
    tooltip: { mode: 'single', sort: 'none' },
  };
  const custom: CustomConfig<'state-timeline'> = { fillOpacity: 80, lineWidth: 0 };
  return { ...spec, type: 'state-timeline', options, custom };
}

export function barGauge(spec: PanelSpec): PanelDraft {
  const options: PanelOptions<'bargauge'> = {
    displayMode: 'basic',
    legend: { ...legend, showLegend: false },
    maxVizHeight: 300,
    minVizHeight: 16,
    minVizWidth: 8,
    namePlacement: 'auto',
    orientation: 'horizontal',
    reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    showUnfilled: true,
    sizing: 'auto',
    valueMode: 'color',
  };
  return { ...spec, type: 'bargauge', options };
}

/** The panel of a family at its place; undefined where the family has no queries for it. */
export function panelOf(draft: PanelDraft, family: Family, id: number, at: { readonly x: number; readonly y: number }): Panel | undefined {
  const targets = targetsOf(draft.queries, family);
  if (targets === undefined) return undefined;
  const { type, title, description, size, field = {}, overrides = [], transformations, interval, repeat, options, custom } = draft;
  const [w, h] = size;
  return {
    id,
    type,
    title,
    description,
    gridPos: { ...at, w, h },
    datasource: dataSource(family),
    ...(interval !== undefined && { interval }),
    ...(repeat !== undefined && { repeat, repeatDirection: 'h', maxPerRow: Math.floor(24 / w) }),
    fieldConfig: { defaults: { ...field, ...(custom !== undefined && { custom: { ...custom, ...field.custom } }) }, overrides },
    options,
    targets,
    ...(transformations?.[family] !== undefined && { transformations: transformations[family] }),
  };
}
