/**
 * Where people and git reach the GitHub whose API is at `apiUrl`: `https://api.github.com` → `https://github.com`,
 * `https://api.TENANT.ghe.com` → `https://TENANT.ghe.com`, `https://HOST/api/v3` → `https://HOST`.
 * @throws TypeError when `apiUrl` is no URL.
 */
export function webUrlOf(apiUrl: string): string {
  const url = new URL(apiUrl);
  url.pathname = url.pathname.replace(/\/api\/v3\/?$/, "");
  url.hostname = url.hostname.replace(/^api\.(?=github\.com$|[\w-]+\.ghe\.com$)/, "");
  return url.href.replace(/\/+$/, "");
}
