import type { Source, SourceContext } from '../../core/source.ts';
import { type HttpSourceConfig, httpSourceSchema } from './config.ts';
import { HttpSource } from './http-source.ts';

export const httpSource = {
  type: 'http' as const,
  schema: httpSourceSchema,
  produces: ({ tags }: HttpSourceConfig, tag: string): boolean => tags.some((one) => one.tag === tag),
  pollMsOf: (): number | undefined => undefined,
  create: (config: HttpSourceConfig, context: SourceContext): Source => new HttpSource(config, context),
};

export { HttpSource } from './http-source.ts';
export type { HttpSourceConfig };
