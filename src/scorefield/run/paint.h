// A thin layer over Cairo: lines, shapes and text in pixels, origin at the top left.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

using cairo_t = struct _cairo;

namespace scorefield {

struct Color {
  double red = 0, green = 0, blue = 0, alpha = 1;
};

struct Pixel {
  double x = 0, y = 0;
};

struct Box {
  double left = 0, top = 0, width = 0, height = 0;
  double right() const { return left + width; }
  double bottom() const { return top + height; }
};

enum class Align { kLeft, kCenter, kRight };

struct Font {
  double size = 12;
  bool bold = false;
};

/// Does not own the Cairo context.
class Paint {
 public:
  explicit Paint(cairo_t* context) : context_(context) {}

  void fill(const Box& box, const Color& color);
  void outline(const Box& box, const Color& color, double width);
  void fill(const std::vector<Pixel>& polygon, const Color& color);
  void stroke(const std::vector<Pixel>& line, const Color& color, double width, const std::vector<double>& dash = {});
  void disc(const Pixel& centre, double radius, const Color& color);
  /// `at`: left end, middle or right end of the text, on its mean height. Turned by `angle` about that point. Bytes
  /// that are not UTF-8 show as '?'.
  void text(const Pixel& at, std::string_view text, const Font& font, const Color& color, Align align = Align::kLeft,
            double angle = 0);
  double text_width(std::string_view text, const Font& font);

  /// Colours in rows from the top, `cols` a row, stretched over the box with sharp edges.
  void image(const Box& box, const std::vector<Color>& colors, std::size_t cols);

  /// Restricts drawing until unclip().
  void clip(const Box& box);
  void unclip();

 private:
  void select(const Font& font);
  void path(const std::vector<Pixel>& points);

  cairo_t* context_;
};

}  // namespace scorefield
