#include "scorefield/run/paint.h"

#include <cairo.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>

namespace scorefield {
namespace {

/// Cairo stops drawing for good at bytes that are not UTF-8.
std::string valid_utf8(std::string_view text) {
  std::string valid;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    std::uint32_t code = lead & (length < 2 ? 0x7fu : 0xffu >> (length + 1));
    bool good = length > 0 && i + length <= text.size() && lead != 0;
    for (std::size_t k = 1; good && k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      good = next >> 6 == 2;
      code = code << 6 | (next & 0x3fu);
    }
    constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    good = good && code >= kSmallest[length] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    valid += good ? text.substr(i, length) : "?";
    i += good ? length : 1;
  }
  return valid;
}

void set(cairo_t* context, const Color& color) {
  cairo_set_source_rgba(context, color.red, color.green, color.blue, color.alpha);
}

}  // namespace

void Paint::fill(const Box& box, const Color& color) {
  set(context_, color);
  cairo_rectangle(context_, box.left, box.top, box.width, box.height);
  cairo_fill(context_);
}

void Paint::outline(const Box& box, const Color& color, double width) {
  set(context_, color);
  cairo_set_line_width(context_, width);
  cairo_rectangle(context_, box.left, box.top, box.width, box.height);
  cairo_stroke(context_);
}

void Paint::path(const std::vector<Pixel>& points) {
  cairo_new_path(context_);
  for (const Pixel& point : points) cairo_line_to(context_, point.x, point.y);
}

void Paint::fill(const std::vector<Pixel>& polygon, const Color& color) {
  set(context_, color);
  path(polygon);
  cairo_fill(context_);
}

void Paint::stroke(const std::vector<Pixel>& line, const Color& color, double width, const std::vector<double>& dash) {
  set(context_, color);
  cairo_set_line_width(context_, width);
  cairo_set_line_join(context_, CAIRO_LINE_JOIN_ROUND);
  cairo_set_line_cap(context_, dash.empty() ? CAIRO_LINE_CAP_ROUND : CAIRO_LINE_CAP_BUTT);
  cairo_set_dash(context_, dash.data(), static_cast<int>(dash.size()), 0);
  path(line);
  cairo_stroke(context_);
  cairo_set_dash(context_, nullptr, 0, 0);
}

void Paint::disc(const Pixel& centre, double radius, const Color& color) {
  set(context_, color);
  cairo_new_path(context_);
  cairo_arc(context_, centre.x, centre.y, radius, 0, 6.283185307179586);
  cairo_fill(context_);
}

void Paint::select(const Font& font) {
  cairo_select_font_face(context_, "sans", CAIRO_FONT_SLANT_NORMAL,
                         font.bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(context_, font.size);
}

double Paint::text_width(std::string_view text, const Font& font) {
  select(font);
  cairo_text_extents_t extents;
  cairo_text_extents(context_, valid_utf8(text).c_str(), &extents);
  return extents.x_advance;
}

void Paint::text(const Pixel& at, std::string_view text, const Font& font, const Color& color, Align align,
                 double angle) {
  const double width = text_width(text, font);
  const double back = align == Align::kLeft ? 0 : align == Align::kCenter ? width / 2 : width;
  cairo_save(context_);
  set(context_, color);
  cairo_translate(context_, at.x, at.y);
  cairo_rotate(context_, angle);
  // Digits and capitals are about 0.73 of the font size high.
  cairo_move_to(context_, -back, 0.365 * font.size);
  cairo_show_text(context_, valid_utf8(text).c_str());
  cairo_restore(context_);
}

void Paint::image(const Box& box, const std::vector<Color>& colors, std::size_t cols) {
  const auto width = static_cast<int>(cols);
  const auto height = static_cast<int>(colors.size() / cols);
  cairo_surface_t* surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, width, height);
  unsigned char* bytes = cairo_image_surface_get_data(surface);
  const int stride = cairo_image_surface_get_stride(surface);
  for (std::size_t i = 0; i < colors.size(); ++i) {
    const Color& c = colors[i];
    const auto byte = [&c](double part) { return static_cast<std::uint32_t>(std::lround(255 * part * c.alpha)); };
    const std::uint32_t pixel = byte(1) << 24 | byte(c.red) << 16 | byte(c.green) << 8 | byte(c.blue);
    std::memcpy(bytes + (i / cols) * static_cast<std::size_t>(stride) + (i % cols) * 4, &pixel, 4);
  }
  cairo_surface_mark_dirty(surface);
  cairo_save(context_);
  cairo_translate(context_, box.left, box.top);
  cairo_scale(context_, box.width / width, box.height / height);
  cairo_set_source_surface(context_, surface, 0, 0);
  cairo_pattern_set_filter(cairo_get_source(context_), CAIRO_FILTER_NEAREST);
  cairo_rectangle(context_, 0, 0, width, height);
  cairo_fill(context_);
  cairo_restore(context_);
  cairo_surface_destroy(surface);
}

void Paint::clip(const Box& box) {
  cairo_save(context_);
  cairo_rectangle(context_, box.left, box.top, box.width, box.height);
  cairo_clip(context_);
}

void Paint::unclip() {
  cairo_restore(context_);
}

}  // namespace scorefield
