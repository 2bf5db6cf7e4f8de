import type { Clock } from '../../../platform/clock/clock.ts';

const day = 86_400_000;

/** Runs `work` at the beginning of every day in UTC. @returns what ends it */
export function eachDay(clock: Clock, work: () => void): () => void {
  let cancel = () => {};
  const wait = () => {
    cancel = clock.after(day - (clock.now() % day), () => {
      work();
      wait();
    });
  };
  wait();
  return () => cancel();
}
