import { buildGuestImage } from '../../../guest/build.ts';
import { Progress } from '../output.ts';

/** Builds the tiny guest image and says what came of it. */
export async function buildGuest({ output, workDir }: { output: string; workDir: string }): Promise<void> {
  const progress = new Progress();
  const image = await buildGuestImage({ output, workDir, progress: (step) => progress.say(`  ${step}`) });
  console.log(`${image.path}  version ${image.version}  sha256 ${image.sha256}`);
}
