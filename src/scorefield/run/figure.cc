#include "scorefield/run/figure.h"

#include <cairo-svg.h>
#include <cairo.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <memory>

#include "scorefield/base/error.h"
#include "scorefield/base/file.h"
#include "scorefield/run/colors.h"
#include "scorefield/run/plot.h"

namespace scorefield {
namespace {

using Surface = std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)>;

constexpr Font kFigureTitle{15, true};
constexpr double kTitleRoom = 34;

struct Layout {
  std::size_t columns = 1;
  double width = 0, height = 0, top = 0;
};

Layout lay_out(const Figure& figure) {
  const std::size_t count = figure.panels.size();
  Layout layout;
  layout.columns = figure.columns > 0 ? std::min(figure.columns, count)
                   : count == 4       ? 2
                                      : std::min<std::size_t>(count, 3);
  const std::size_t rows = (count + layout.columns - 1) / layout.columns;
  layout.top = figure.title.empty() ? 0 : kTitleRoom;
  layout.width = std::ceil(figure.panel_width * static_cast<double>(layout.columns));
  layout.height = std::ceil(figure.panel_height * static_cast<double>(rows) + layout.top);
  return layout;
}

void check(const Figure& figure) {
  ensure(!figure.panels.empty(), "a figure has panels");
  for (const Panel& panel : figure.panels) {
    for (const Series& series : panel.series) {
      const std::size_t n = series.x.size();
      ensure(series.y.size() == n, "one y a point");
      ensure(series.error.empty() || series.error.size() == n, "one error a point");
      ensure(series.band_low.size() == series.band_high.size(), "a band has two sides");
      ensure(series.band_low.empty() || series.band_low.size() == n, "one band value a point");
    }
    ensure(panel.heat.size() <= 1, "one heat map a panel");
    for (const HeatMap& heat : panel.heat) {
      ensure(heat.rows > 0 && heat.cols > 0 && heat.values.size() == heat.rows * heat.cols, "rows * cols values");
      ensure(panel.x.scale == Scale::kLinear && panel.y.scale == Scale::kLinear, "a heat map has linear axes");
      ensure(!panel.x.reversed && !panel.y.reversed, "a heat map's axes are not reversed");
    }
  }
}

void draw(cairo_surface_t* surface, const Figure& figure, const Layout& layout) {
  const std::unique_ptr<cairo_t, decltype(&cairo_destroy)> context(cairo_create(surface), &cairo_destroy);
  Paint paint(context.get());
  paint.fill(Box{0, 0, layout.width, layout.height}, {1, 1, 1, 1});
  paint.text({14, layout.top / 2 + 3}, figure.title, kFigureTitle, kInk);
  for (std::size_t i = 0; i < figure.panels.size(); ++i) {
    const std::size_t row = i / layout.columns;
    const std::size_t column = i % layout.columns;
    const Box cell{figure.panel_width * static_cast<double>(column),
                   layout.top + figure.panel_height * static_cast<double>(row), figure.panel_width,
                   figure.panel_height};
    draw_panel(paint, figure.panels[i], cell);
  }
  cairo_surface_flush(surface);
}

cairo_status_t append(void* text, const unsigned char* bytes, unsigned int size) {
  static_cast<std::string*>(text)->append(bytes, bytes + size);
  return CAIRO_STATUS_SUCCESS;
}

void check_drawn(cairo_surface_t* surface, cairo_status_t status) {
  if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_status(surface);
  if (status != CAIRO_STATUS_SUCCESS) {
    throw Error(fmt::format("the figure cannot be drawn: {}", cairo_status_to_string(status)));
  }
}

std::string to_png(const Figure& figure, const Layout& layout) {
  const Surface surface(
      cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(layout.width), static_cast<int>(layout.height)),
      &cairo_surface_destroy);
  draw(surface.get(), figure, layout);
  std::string bytes;
  check_drawn(surface.get(), cairo_surface_write_to_png_stream(surface.get(), &append, &bytes));
  return bytes;
}

std::string to_svg(const Figure& figure, const Layout& layout) {
  std::string bytes;
  const Surface surface(cairo_svg_surface_create_for_stream(&append, &bytes, layout.width, layout.height),
                        &cairo_surface_destroy);
  cairo_svg_surface_set_document_unit(surface.get(), CAIRO_SVG_UNIT_PX);
  draw(surface.get(), figure, layout);
  check_drawn(surface.get(), CAIRO_STATUS_SUCCESS);
  cairo_surface_finish(surface.get());  // writes the rest
  return bytes;
}

/// A text field by RFC 4180: quoted where it must be.
std::string csv_text(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::string to_csv(const Figure& figure) {
  std::string csv = "panel,series,x,y,error,band_low,band_high,value\n";
  auto out = std::back_inserter(csv);
  for (std::size_t p = 0; p < figure.panels.size(); ++p) {
    const Panel& panel = figure.panels[p];
    const std::string name = csv_text(panel.title.empty() ? fmt::format("{}", p + 1) : panel.title);
    for (const Series& series : panel.series) {
      const std::string prefix = fmt::format("{},{},", name, csv_text(series.name));
      for (std::size_t i = 0; i < series.x.size(); ++i) {
        out = fmt::format_to(out, "{}{},{},", prefix, series.x[i], series.y[i]);
        if (!series.error.empty()) out = fmt::format_to(out, "{}", series.error[i]);
        csv += ',';
        if (!series.band_low.empty()) out = fmt::format_to(out, "{}", series.band_low[i]);
        csv += ',';
        if (!series.band_high.empty()) out = fmt::format_to(out, "{}", series.band_high[i]);
        csv += ",\n";
      }
    }
    for (const HeatMap& heat : panel.heat) {
      const std::string prefix = fmt::format("{},{},", name, csv_text(heat.color.label));
      const double width = (heat.x_high - heat.x_low) / static_cast<double>(heat.cols);
      const double height = (heat.y_high - heat.y_low) / static_cast<double>(heat.rows);
      for (std::size_t i = 0; i < heat.values.size(); ++i) {
        const std::size_t row = i / heat.cols;
        const std::size_t column = i % heat.cols;
        const double x = heat.x_low + width * (static_cast<double>(column) + 0.5);
        const double y = heat.y_low + height * (static_cast<double>(row) + 0.5);
        out = fmt::format_to(out, "{}{},{},,,,{}\n", prefix, x, y, heat.values[i]);
      }
    }
  }
  return csv;
}

}  // namespace

void write_figure(const Figure& figure, const std::filesystem::path& stem) {
  check(figure);
  const Layout layout = lay_out(figure);
  const auto write = [&stem](const char* ending, const std::string& bytes) {
    std::filesystem::path path = stem;
    path += ending;
    write_file_atomically(path, bytes);
  };
  write(".png", to_png(figure, layout));
  write(".svg", to_svg(figure, layout));
  write(".csv", to_csv(figure));
}

}  // namespace scorefield
