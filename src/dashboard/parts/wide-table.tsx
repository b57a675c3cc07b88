import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

/**
 * A table that may be wider than a phone: it scrolls by itself, also by keyboard. With `isCards` each row becomes a card there, and every cell names itself by its
 * `data-label`.
 */
export function WideTable({
  label,
  isCards = false,
  className = '',
  children,
}: {
  readonly label: string;
  readonly isCards?: boolean;
  readonly className?: string;
  readonly children: ComponentChildren;
}) {
  const place = useRef<HTMLElement>(null);
  const [isWide, setWide] = useState(false);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const measured = new ResizeObserver(() => setWide(element.scrollWidth > element.clientWidth));
    measured.observe(element);
    for (const child of element.children) measured.observe(child);
    return () => measured.disconnect();
  }, []);
  // A stop of the keyboard only where there is something to scroll.
  return (
    <section ref={place} class="scroll" {...(isWide && { tabIndex: 0, 'aria-label': label })}>
      <table class={`${isCards ? 'cards ' : ''}${className}`}>{children}</table>
    </section>
  );
}
