/** The host that keys are sent to, where it is not the vendor's own. */
export function otherHost(vendorUrl: string, configured: string | undefined): string | undefined {
  if (configured === undefined) return undefined;
  const { host } = new URL(configured);
  return host === new URL(vendorUrl).host ? undefined : host;
}
