/** Places: one that stays, and positions that move while they are shared. */

import { html, nothing, type TemplateResult } from "lit";

import { icon } from "../base/icons.js";
import { mapLink, mapPicture } from "../messages/content.js";
import { textOf } from "../messages/summary.js";
import { cellsOf, mapOf, numberOf, type CardHost } from "./host.js";

/** The inside of a place. */
export function placeView(host: CardHost): TemplateResult {
  const { data } = host;
  const [latitude, longitude] = [numberOf(data["latitude"]), numberOf(data["longitude"])];
  const title = textOf(data["title"]) || host.t("location");
  return html`<a class="place-link" href=${mapLink(latitude, longitude)} target="_blank" rel="noopener noreferrer nofollow">
    <span class="visually-hidden">${host.t("open_map")}: </span>${mapPicture(latitude, longitude)}
    <span class="place"><strong dir="auto">${title}</strong><span dir="auto">${textOf(data["address"]) || `${latitude.toFixed(4)}, ${longitude.toFixed(4)}`}</span></span>
  </a>`;
}

/** The inside of a live location. */
export function livePlaceView(host: CardHost): TemplateResult {
  const { data, localizer } = host;
  const positions = cellsOf(host.card, "positions").map((cell) => ({ ...cell, value: mapOf(cell.value) }));
  const newest = positions.reduce<(typeof positions)[number] | undefined>((best, one) => (best === undefined || one.at_ms > best.at_ms ? one : best), undefined);
  const latitude = numberOf(newest?.value["latitude"] ?? data["latitude"]);
  const longitude = numberOf(newest?.value["longitude"] ?? data["longitude"]);
  const title = textOf(data["title"]) || host.t("live_location");
  const mayShare = host.open && (data["shared"] === true || host.message.sender === host.self) && "geolocation" in navigator;

  const share = (): void =>
    navigator.geolocation.getCurrentPosition(({ coords }) => {
      void host.act("update", { latitude: coords.latitude, longitude: coords.longitude, accuracy_m: Math.round(coords.accuracy) });
    });

  return html`<a class="place-link ${host.open ? "live" : ""}" href=${mapLink(latitude, longitude)} target="_blank" rel="noopener noreferrer nofollow">
      <span class="visually-hidden">${host.t("open_map")}: </span>${mapPicture(latitude, longitude)}
      <span class="place"><strong dir="auto">${title}</strong>
        <span>${host.open ? host.t("live_location_people", { count: Math.max(1, positions.length) }) : host.t("live_location_ended")}</span></span>
    </a>
    ${positions.length > 0
      ? html`<ul class="people">
          ${positions.slice(0, 20).map(
            (position) => html`<li>${host.avatar(position.key)}<span class="what ellipsis">${position.key === host.self ? host.t("you") : host.name(position.key)}</span>
              <time class="hint">${localizer.recent(position.at_ms)}</time></li>`,
          )}
        </ul>`
      : nothing}
    ${mayShare
      ? html`<div class="buttons"><button type="button" class="button" @click=${share}>${icon("map_pin", "small")}${host.t("live_location_share")}</button></div>`
      : nothing}`;
}
