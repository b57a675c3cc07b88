import { ConfigError, type LoadedConfig, parseConfig } from '../config/load.ts';
import { FettleError } from '../core/errors.ts';
import { Names } from '../gateway/names.ts';
import type { PipelinePlan } from '../gateway/pipeline.ts';
import { planPipeline } from '../gateway/plan.ts';

/** Characters that MQTT, files and expressions would read as something else. */
const unusable = /[\s+#$\p{Cc}/]+/gu;

/** The tags of a machine's values: `motor current` of `line1/pump` is `line1/pump/motor_current`. Throws FETTLE_CONFIG_INVALID where two would be one. */
export function tagsOf(asset: string, values: readonly string[]): string[] {
  const tags = values.map((value) => tagOf(asset, value));
  const double = values.find((_, i) => tags.indexOf(tags[i] as string) !== i);
  if (double === undefined) return tags;
  throw new FettleError(
    'FETTLE_CONFIG_INVALID',
    `two values of ${asset} have the same name, but for characters that names have not: ${double}`,
  );
}

export const tagOf = (asset: string, value: string): string => `${asset}/${usable(value)}`;

/** A name as the last level of a tag. */
export const usable = (value: string): string => value.replace(unusable, '_');

export interface FlowAsset {
  /** Name of the machine, as in `line1/pump3`. */
  readonly asset: string;
  readonly values: readonly string[];
  /** `window:` and `alarm:` of the asset, as in fettle.yaml. */
  readonly window?: object;
  readonly alarm?: object;
}

export interface PlannedFlow {
  readonly plan: PipelinePlan;
  readonly names: Names;
  readonly tags: readonly string[];
}

/** What a gateway would make of a machine with these values: the same defaults, the same problems in the same words. Throws FETTLE_CONFIG_INVALID. */
export function planFlow({ asset, values, window = {}, alarm = {} }: FlowAsset): PlannedFlow {
  const tags = tagsOf(asset, values);
  const document = {
    site: 'flow',
    sources: [{ id: 'flow', type: 'http', tags: tags.map((tag) => ({ tag })) }],
    assets: [{ id: asset, tags, window, alarm }],
  };
  const { config } = parsedFlow(document, 'assets[0]');
  const names = new Names({ tag: [], text: [], source: [], asset: [], model: [] }, config.limits);
  return { plan: planPipeline(config, names, new Map()), names, tags };
}

/** What is wrong below `part` of a document that is ours, by the words of the dialog: its lines, and the names made of the machine's name, say nothing. Throws FETTLE_CONFIG_INVALID. */
export function parsedFlow(document: object, part: string): LoadedConfig {
  try {
    return parseConfig(JSON.stringify(document), 'the node', {});
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const own = error.problems.filter(({ path = '' }) => path.startsWith(`${part}.`) && !path.startsWith('assets[0].tags'));
    const said = own.length > 0 ? own : error.problems.slice(0, 1);
    const text = said.map(({ path = '', message }) => `${path.replace(`${part}.`, '').replace(/^id$/, 'the machine')} ${message}`);
    throw new FettleError('FETTLE_CONFIG_INVALID', text.join('; '), { cause: error });
  }
}
