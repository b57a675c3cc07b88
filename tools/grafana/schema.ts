/** Grafana's own types, as JSON has them: what is an enum there is one of its texts here. */
import type * as grafana from '@grafana/schema';
import type * as barGauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as stateTimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as text from '@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';
import type * as timeSeries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

type Json<T> = T extends string
  ? `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : T extends readonly (infer E)[]
      ? readonly Json<E>[]
      : T extends object
        ? { readonly [K in keyof T]: Json<T[K]> }
        : T;

interface PanelParts {
  readonly timeseries: { options: timeSeries.Options; custom: timeSeries.FieldConfig };
  readonly stat: { options: stat.Options; custom: never };
  readonly table: { options: table.Options; custom: Partial<table.FieldConfig> };
  readonly 'state-timeline': { options: stateTimeline.Options; custom: stateTimeline.FieldConfig };
  readonly bargauge: { options: barGauge.Options; custom: never };
  readonly text: { options: text.Options; custom: never };
}

export type PanelType = keyof PanelParts;
export type PanelOptions<T extends PanelType> = Json<PanelParts[T]['options']>;
export type CustomConfig<T extends PanelType> = Json<PanelParts[T]['custom']>;

export type FieldConfig = Omit<Json<grafana.FieldConfig>, 'links' | 'custom'> & {
  readonly links?: readonly DataLink[];
  readonly custom?: object;
};
export type ValueMapping = Json<grafana.ValueMap>;
export type Thresholds = Json<grafana.ThresholdsConfig>;
export type GridPos = Json<grafana.GridPos>;
export type DashboardLink = Json<grafana.DashboardLink>;
export type Variable = Json<grafana.VariableModel>;
export type Transformation = Json<grafana.DataTransformerConfig>;

/** @grafana/schema leaves these open. */
export interface DataLink {
  readonly title: string;
  readonly url: string;
  readonly targetBlank?: boolean;
}

export interface Override {
  readonly matcher: { readonly id: 'byName' | 'byRegexp' | 'byFrameRefID' | 'byType'; readonly options: string };
  readonly properties: readonly { readonly id: string; readonly value: unknown }[];
}

/** A target as the data source's plug-in wants it. */
export type Target = Readonly<Record<string, unknown>> & { readonly refId: string };

export type Panel = Omit<Json<grafana.Panel>, 'fieldConfig' | 'options' | 'targets'> & {
  readonly id: number;
  readonly gridPos: GridPos;
  readonly fieldConfig: { readonly defaults: FieldConfig; readonly overrides: readonly Override[] };
  readonly options: object;
  readonly targets: readonly Target[];
};
export type Row = Json<grafana.RowPanel>;

/** `target` is the plug-in's, which the schema does not know. */
export type Annotation = Omit<Json<grafana.AnnotationQuery>, 'target'> & Readonly<Record<string, unknown>>;

export type Dashboard = Omit<Json<grafana.Dashboard>, 'panels' | 'annotations'> & {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly (Panel | Row)[];
  readonly annotations: { readonly list: readonly Annotation[] };
  readonly templating: { readonly list: readonly Variable[] };
};
