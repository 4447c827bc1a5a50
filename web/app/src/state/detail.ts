/** What went wrong, in the words of whoever noticed. */
import { CaptureError, ProblemError } from '@calls/sdk';

export function detailOf(error: unknown): string {
  if (error instanceof ProblemError) return error.problem.detail || error.problem.title;
  if (error instanceof CaptureError) return error.failure;
  return error instanceof Error ? error.message : String(error);
}
