import { effect, signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';
const kept = localStorage.getItem('fettle.theme');
export const theme = signal<Theme>(kept === 'light' || kept === 'dark' ? kept : 'auto');

effect(() => {
  if (theme.value === 'auto') {
    localStorage.removeItem('fettle.theme');
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem('fettle.theme', theme.value);
    document.documentElement.dataset.theme = theme.value;
  }
});
