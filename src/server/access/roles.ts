/** Each may do what those before it may (IEC 62443-4-2 CR 2.1). Viewers look; operators handle alarms; engineers change models and data; admins manage people. */
export const roles = ['viewer', 'operator', 'engineer', 'admin'] as const;
export type Role = (typeof roles)[number];

export const mayAct = (has: Role, wanted: Role): boolean => roles.indexOf(has) >= roles.indexOf(wanted);

/** Who asks. */
export interface Caller {
  /** `session`: a person at the dashboard; `token`: a program; `local`: the command line of whoever may read the data directory. */
  readonly kind: 'session' | 'token' | 'local';
  readonly name: string;
  readonly role: Role;
}
