import { loadavg, uptime } from 'node:os';

/** How long this host has been up and how busy it is, in the words of the command `uptime`, which clients parse. */
export function hostUptime(now = new Date()): string {
  const seconds = Math.floor(uptime());
  const two = (value: number) => String(value).padStart(2, '0');
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  const long = days === 0 ? '' : `${days} day${days === 1 ? '' : 's'}, `;
  const short = hours === 0 ? `${minutes} min` : `${two(hours)}:${two(minutes)}`;
  const load = loadavg().map((each) => each.toFixed(2));
  return ` ${now.toISOString().slice(11, 19)} up ${long}${short},  0 users,  load average: ${load.join(', ')}`;
}
