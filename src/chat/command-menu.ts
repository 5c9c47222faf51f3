/** What the platforms' menus of commands show. */

export interface MenuCommand {
  readonly name: string;
  readonly description: string;
  /** In groups: only who gives it sees the answer, and the command where the platform can. */
  readonly isPrivate?: boolean;
}

/** What is shown to some people alone. */
export interface MenuForSome {
  readonly commands: readonly MenuCommand[];
  readonly accounts: readonly { readonly platform: string; readonly platformUserId: string }[];
}

/** By where the menu is opened. */
export interface CommandMenu {
  readonly direct: readonly MenuCommand[];
  readonly group: readonly MenuCommand[];
  /** For the operators: to others it is shown only where the platform can't help it. */
  readonly operators?: MenuForSome;
  /** For platforms whose messages have a menu, by what the core calls the commands and what is shown. */
  readonly onMessage: readonly { readonly name: string; readonly label: string }[];
}
