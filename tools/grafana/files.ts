import { alarmsPage } from './alarms.ts';
import { assetPage } from './asset.ts';
import { dashboardOf } from './dashboard.ts';
import { families } from './family.ts';
import { gatewayPage } from './gateway.ts';
import { overview } from './overview.ts';
import type { Dashboard } from './schema.ts';

const pages = [overview, assetPage, alarmsPage, gatewayPage];

/** Every dashboard by its path from the repository's root. */
export function generatedDashboards(): Map<string, Dashboard> {
  return new Map(
    families.flatMap((family) =>
      pages.map((page) => [`grafana/dashboards/${family}/${page.name}.json`, dashboardOf(page, family)] as const),
    ),
  );
}

export const textOf = (dashboard: Dashboard): string => `${JSON.stringify(dashboard, null, 2)}\n`;
