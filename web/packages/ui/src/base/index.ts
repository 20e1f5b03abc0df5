/** What other components are built on: the base element, theme, words, icons and small parts. */

export { TlElement, bareName, configure } from "./element.js";
export { TlAvatar, hueOf, initialsOf } from "./avatar.js";
export { TlConfirm, TlDialog } from "./dialog.js";
export { TlMenu, placeBeside, type MenuItem } from "./menu.js";
export { TlProvider } from "./provider.js";
export { focusItem, rove } from "./roving.js";
export { icon, type IconName } from "./icons.js";
export { styled, type StyleValues } from "./styled.js";
export { pieces, safeLink, safeMedia } from "./links.js";
export { baseStyles, buttonStyles, fieldStyles, stateStyles } from "../theme/base.js";
export { installTheme } from "../theme/install.js";
export { Localizer, localizer, registerMessages, type Catalogue, type MessageKey } from "../i18n/localizer.js";
