import type { JobView } from '@farm/contracts';

/** How the submit of one recording ended. */
export type Outcome =
  | { readonly kind: 'skipped' }
  | { readonly kind: 'submitted'; readonly job: JobView }
  | { readonly kind: 'made'; readonly job: JobView; readonly savedTo: string | undefined }
  | { readonly kind: 'failed'; readonly error: Error; readonly job: JobView | undefined };
