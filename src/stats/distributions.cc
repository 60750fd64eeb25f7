#include "stats/distributions.h"

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

#include "llmsweep/stats/intervals.h"

namespace llmsweep {

double binomial_cdf(int64_t successes, int64_t trials, double p) {
  if (successes < 0) return 0;
  if (successes >= trials) return 1;
  const boost::math::binomial distribution(static_cast<double>(trials), p);
  return boost::math::cdf(distribution, static_cast<double>(successes));
}

double normal_quantile(double p) {
  return boost::math::quantile(boost::math::normal(), p);
}

double student_quantile(double p, double degrees) {
  return boost::math::quantile(boost::math::students_t(degrees), p);
}

double student_cdf(double t, double degrees) {
  return boost::math::cdf(boost::math::students_t(degrees), t);
}

}  // namespace llmsweep
