import { analyse, type GroupFinding } from './analysis.ts';
import { hintsOf } from './hints.ts';
import { type Hearing, type ListenOptions, listenMqtt } from './listen.ts';
import { type Proposal, propose } from './proposal.ts';
import { proposalYaml } from './proposal-yaml.ts';

/** Everything `fettle mqtt listen` found. JSON. */
export interface ListenReport {
  readonly url: string;
  readonly filters: readonly string[];
  readonly protocol: Hearing['protocol'];
  readonly seconds: number;
  readonly endedBy: Hearing['endedBy'];
  readonly qos: 0 | 1 | 2;
  readonly messages: number;
  readonly bytes: number;
  readonly topics: number;
  /** For which there was no room. */
  readonly beyond: { readonly messages: number; readonly values: number };
  readonly groups: readonly GroupFinding[];
  readonly hints: readonly string[];
  readonly proposal: Proposal;
  /** Part of fettle.yaml. */
  readonly yaml: string | undefined;
}

/** Listens, and tells what was heard. Rejects as `listenMqtt` does. */
export async function listen(options: ListenOptions & { readonly passwordFile?: string }): Promise<ListenReport> {
  const { broker, filters, qos, passwordFile } = options;
  return reportOf(await listenMqtt(options), { broker, filters, qos, passwordFile });
}

export function reportOf(
  hearing: Hearing,
  { broker, filters, qos, passwordFile }: Pick<ListenOptions, 'broker' | 'filters' | 'qos'> & { readonly passwordFile: string | undefined },
): ListenReport {
  const { heard, protocol, seconds, endedBy } = hearing;
  const analysed = analyse(heard, seconds);
  const groups = analysed.map(({ finding }) => finding);
  const proposal = propose(analysed, heard, broker, passwordFile);
  return {
    url: broker.url,
    filters,
    protocol,
    seconds,
    endedBy,
    qos,
    messages: heard.messages,
    bytes: heard.bytes,
    topics: heard.topics.size,
    beyond: { messages: heard.beyondTopics, values: heard.beyondFields },
    groups,
    hints: hintsOf(hearing, groups, proposal, filters, broker.username),
    proposal,
    yaml: proposalYaml(proposal),
  };
}
