import { endProcess, forgetProcess, runningProcess } from '../process-record.ts';
import { type CloudFlags, settingsOfCloud } from '../settings.ts';

/** Milliseconds that a cloud has to finish what cannot be cut short. */
const patience = 15_000;

/** Stops the cloud's process. Guests and networks live on, and are found again by the next `up`. */
export async function down(flags: CloudFlags): Promise<void> {
  const { values } = await settingsOfCloud(flags);
  const stateDir = values.state_dir;
  const ended = await endCloud(stateDir);
  console.log(
    ended ? `the cloud of ${stateDir} is down; its servers run on` : `no cloud runs from ${stateDir}`,
  );
}

/** Ends the process that runs the cloud of a state directory. @returns whether there was one */
export async function endCloud(stateDir: string): Promise<boolean> {
  const running = await runningProcess(stateDir);
  if (!running) return false;
  await endProcess(running, patience);
  forgetProcess(stateDir);
  return true;
}
