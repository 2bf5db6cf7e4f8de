import { endProcess, forgetProcess, runningProcess } from '../process-record.ts';
import { type CloudFlags, settingsOfCloud } from '../settings.ts';

/** Milliseconds that a cloud has to finish what cannot be cut short. */
const patience = 15_000;

/** Stops the cloud's process. Guests and networks live on, and are found again by the next `up`. */
export async function down(flags: CloudFlags): Promise<void> {
  const { values } = await settingsOfCloud(flags);
  const running = await runningProcess(values.state_dir);
  if (!running) {
    console.log(`no cloud runs from ${values.state_dir}`);
    return;
  }
  await endProcess(running, patience);
  forgetProcess(values.state_dir);
  console.log(`the cloud of ${values.state_dir} is down; its servers run on`);
}
