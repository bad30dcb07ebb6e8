/** Figures as people read them; sizes as Docker prints them. */

const SIZE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** 21500000000 is "21.5GB". */
export function formatBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < SIZE_UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  const text = unit === 0 ? value.toFixed(0) : value.toPrecision(value >= 100 ? 3 : value >= 10 ? 3 : 2);
  return `${Number(text).toString()}${SIZE_UNITS[unit] ?? ""}`;
}

/** "38ms", "4.2s", "3m 5s", "2h 10m", "3d 4h". */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms).toString()}ms`;
  const seconds = ms / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  if (days > 0) return `${days.toString()}d ${hours.toString()}h`;
  if (hours > 0) return `${hours.toString()}h ${minutes.toString()}m`;
  return `${minutes.toString()}m ${(whole % 60).toString()}s`;
}

/** 0.4217 is "42%"; only none and all are 0 % and 100 %. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 1) return "<1%";
  if (percent > 99 && percent < 100) return ">99%";
  return `${Math.round(percent).toString()}%`;
}

/** "just now", "5m ago", "3h ago", "2d ago". */
export function formatAge(atMs: number, nowMs: number): string {
  const seconds = (nowMs - atMs) / 1000;
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60).toString()}m ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600).toString()}h ago`;
  return `${Math.floor(seconds / 86_400).toString()}d ago`;
}

const TIME: Intl.DateTimeFormatOptions = {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
};

export const formatTime = (atMs: number): string => new Date(atMs).toLocaleString(undefined, TIME);

/** "1 build", "2 builds". */
export const formatCount = (count: number, one: string, many: string = `${one}s`): string =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
