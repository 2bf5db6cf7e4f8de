const escaped = (text: string): string => text.replaceAll(/[&<>"'`=]/g, (each) => `&#${each.charCodeAt(0)};`);

const script = "document.forms['sso'].submit()";
/** SHA-256 of the script, in base64: nothing else in the page may run. */
const scriptHash = 'sha256-rJ1WwlkoY7Nu+bHJWan7yRWLdenI/GHQMg2CezmkjVk=';

/** The page that takes a browser back to the dashboard with its token: a form that sends itself. */
export function webssoPage(
  dashboard: string,
  token: string,
): { body: string; headers: Record<string, string> } {
  const body = `<!DOCTYPE html>
<html lang="en">
  <head><meta charset="utf-8"><title>Signing in</title></head>
  <body>
    <form id="sso" name="sso" action="${escaped(dashboard)}" method="post">
      <p>One moment, please.</p>
      <input type="hidden" name="token" id="token" value="${escaped(token)}">
      <noscript><button type="submit">Go on</button></noscript>
    </form>
    <script>${script}</script>
  </body>
</html>
`;
  return {
    body,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': `default-src 'none'; script-src '${scriptHash}'; frame-ancestors 'none'; base-uri 'none'`,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    },
  };
}
