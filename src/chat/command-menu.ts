/** What the platforms' menus of commands show. */

export interface MenuCommand {
  readonly name: string;
  readonly description: string;
  /** In groups: only who gives it sees the answer, and the command where the platform can. */
  readonly isPrivate?: boolean;
}

/** By where the menu is opened. */
export interface CommandMenu {
  readonly direct: readonly MenuCommand[];
  readonly group: readonly MenuCommand[];
  /** For platforms whose messages have a menu, by what the core calls the commands and what is shown. */
  readonly onMessage: readonly { readonly name: string; readonly label: string }[];
}
