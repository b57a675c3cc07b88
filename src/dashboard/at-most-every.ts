import { useEffect, useRef, useState } from 'preact/hooks';

/** Follows a value that may change many times a second: the first change at once, then at most one every `everyMs`, the last one never left out. */
export function useAtMostEvery<Value>(value: Value, everyMs: number): Value {
  const [told, setTold] = useState(value);
  const newest = useRef(value);
  const toldMs = useRef(Number.NEGATIVE_INFINITY);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  newest.current = value;
  useEffect(() => {
    if (value === told || timer.current !== undefined) return;
    timer.current = setTimeout(
      () => {
        timer.current = undefined;
        toldMs.current = performance.now();
        setTold(newest.current);
      },
      Math.max(0, toldMs.current + everyMs - performance.now()),
    );
  }, [value, told, everyMs]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return told;
}
