#pragma once

// Too large by the limits with which the test looks at it: 2 functions a class, 5 lines a function,
// 40 a file.

namespace spread::layering {

class Offender {
  public:
    Offender() = default;
    Offender(const Offender&) = delete;

    [[nodiscard]] int one() const { return 1; }
    [[nodiscard]] int two() const;
    [[nodiscard]] int three() const { return 3; }

  private:
    int value_ = one();
};

template <typename T>
int offend(int first, int second) {
    int sum = first;
    sum += second;
    sum += 1;
    return sum;
}

// Long: to see that this is accepted.
template <typename T>
int excused(int first) {
    int sum = first;
    sum += 1;
    sum += 2;
    return sum;
}

}  // namespace spread::layering
