import { signal } from '@preact/signals';

/** Path behind the #, in decoded parts: `#/assets/line1%2Fpress` → ['assets', 'line1/press']. */
export const route = signal<readonly string[]>([]);

const read = (): void => {
  // The code of a first login is no place.
  if (location.hash.startsWith('#login=')) return;
  route.value = location.hash
    .replace(/^#\/?/, '')
    .split('/')
    .filter((part) => part !== '')
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
};

export const href = (...parts: readonly string[]): string => `#/${parts.map(encodeURIComponent).join('/')}`;

addEventListener('hashchange', read);
read();
