import type { Gateway } from '../gateway/gateway.ts';
import type { Reloaded } from '../gateway/service.ts';
import type { AccessControl } from './access/access-control.ts';
import type { LiveEvents } from './live-events.ts';

/** What is served: a gateway, and where it can take over a changed configuration, how. */
export interface Served {
  readonly gateway: Gateway;
  reload?(): Promise<Reloaded>;
}

/** What the routes work with. */
export interface Serving {
  readonly served: Served;
  readonly access: AccessControl;
  readonly live: LiveEvents;
}
