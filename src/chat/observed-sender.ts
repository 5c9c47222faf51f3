import type { PlatformName } from './message.ts';
import { PlatformError, type PlatformErrorCode, type PlatformSender } from './platform.ts';

/** A sender that tells of each time the platform would not do what it was asked. */
export function observeSender(
  sender: PlatformSender,
  onFailure: (platform: PlatformName, code: PlatformErrorCode) => void,
): PlatformSender {
  const told = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (error instanceof PlatformError) onFailure(sender.name, error.code);
      throw error;
    }
  };
  return {
    // What tells nothing of the platform passes as it is.
    ...sender,
    notify: (...given) => told(sender.notify(...given)),
    editNotice: (...given) => told(sender.editNotice(...given)),
    openReply(target) {
      const reply = sender.openReply(target);
      return {
        show: (progress) => reply.show(progress),
        finish: (answer) => told(reply.finish(answer)),
        abandon: () => reply.abandon(),
      };
    },
    download: (...given) => told(sender.download(...given)),
  };
}
