# The floors of the library, from the ground up; the command stands on top of them. Includes only ever point down
# (cmake/check_house.cmake).
set(SCOREFIELD_FLOORS base kernel data run process field metrics sample search learn audit experiment)
