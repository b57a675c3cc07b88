import type { Health } from '../../core/health.ts';
import { healthText } from '../health.ts';

/** The shapes of NE 107, so that nothing depends on colour alone. */
const shapes: Record<Health, preact.JSX.Element> = {
  failure: (
    <>
      <circle cx="12" cy="12" r="10" />
      <path d="M8 8l8 8M16 8l-8 8" />
    </>
  ),
  check: (
    <>
      <path d="M12 2.5l10 18.5H2z" />
      <path d="M9 17l6-6m-1.5-1.5a2.2 2.2 0 0 1 2.8 2.8" />
    </>
  ),
  outOfSpecification: (
    <>
      <path d="M12 2l10 10-10 10L2 12z" />
      <path d="M9.6 9.6a2.5 2.5 0 1 1 3.6 2.3c-.9.4-1.2.9-1.2 1.9m0 2.6v.2" />
    </>
  ),
  maintenance: (
    <>
      <rect x="2.5" y="2.5" width="19" height="19" rx="3" />
      <path d="M12 6.5c2.6 3 4 4.9 4 6.8a4 4 0 0 1-8 0c0-1.900 1.400-3.800 4-6.800z" />
    </>
  ),
  learning: (
    <>
      <circle cx="12" cy="12" r="10" />
      <path d="M7 13h.01M12 13h.01M17 13h.01" />
    </>
  ),
  good: (
    <>
      <circle cx="12" cy="12" r="10" />
      <path d="M7.500 12.500l3 3 6-6.500" />
    </>
  ),
};

export const HealthMark = ({ health, isLabelled = true }: { readonly health: Health; readonly isLabelled?: boolean }) => (
  <span class={`health ${health}`}>
    <svg viewBox="0 0 24 24" aria-hidden="true">
      {shapes[health]}
    </svg>
    <span class={isLabelled ? '' : 'only-read'}>{healthText(health)}</span>
  </span>
);
